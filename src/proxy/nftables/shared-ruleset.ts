/**
 * The ruleset of one network namespace, shared by the back ends of its IP families. The kernel counts the commits of all
 * of them in one generation: without word from each other, each would take the others' for foreign changes, and list
 * its table after every one.
 */
export class SharedRuleset {
  readonly #members: ((before: number) => void)[] = []
  #underWay: Promise<void> | undefined

  /**
   * Ends when a member's commit in another thread has ended, well or not. Wait until there is none, then read and commit
   * in the same turn: whoever commits meanwhile does it for a generation that is just ending.
   */
  get underWay(): Promise<void> | undefined {
    return this.#underWay
  }

  noteUnderWay(commit: Promise<void>): void {
    const ended = (): void => {
      this.#underWay = undefined
    }
    this.#underWay = commit.then(ended, ended)
  }

  /**
   * @param onOthersCommit called with the generation that another member's commit has ended; whoever did not know that
   * one has missed a foreign change, which it must go on seeing
   * @returns to be called after each commit of this member, with the generation that it ended
   */
  join(onOthersCommit: (before: number) => void): (before: number) => void {
    this.#members.push(onOthersCommit)
    return (before) => {
      for (const member of this.#members) if (member !== onOthersCommit) member(before)
    }
  }
}

/** What the kernel counts to after a commit; 0 is skipped. */
export const nextGeneration = (generation: number): number => (generation === 0xffffffff ? 1 : generation + 1)
