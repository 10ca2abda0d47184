import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ExecOptions, ExecSession, TerminalSize } from '#api/pod-streams.ts'
import { type ExecPeer, runExec } from './run-exec.ts'

async function* nothing(): AsyncGenerator<Uint8Array> {}

const onTerminal: ExecOptions = { stdin: false, stdout: true, stderr: false, tty: true }
const size = { width: 101, height: 33 }

function openPeer() {
  let tell: (size: TerminalSize) => void = () => {}
  const gone = new AbortController()
  const peer: ExecPeer = {
    stdin: nothing(),
    gone: gone.signal,
    onResize: (callback) => (tell = callback),
    write: async () => {},
    finish: async () => {},
  }
  return { peer, gone, tell: (given: TerminalSize) => tell(given) }
}

function openSession() {
  const resized: TerminalSize[] = []
  const exit = Promise.withResolvers<number>()
  const session: ExecSession = {
    stdout: nothing(),
    stderr: nothing(),
    writeStdin: async () => {},
    endStdin: () => {},
    resize: (given) => void resized.push(given),
    exitCode: exit.promise,
    close: () => {},
  }
  return { session, resized, end: () => exit.resolve(0) }
}

const minute = 60_000
const cases = [
  {
    name: 'a terminal begins with the size that is told after the connection',
    options: onTerminal,
    told: size,
    begins: size,
  },
  {
    name: 'a terminal of a client that tells none begins without',
    options: onTerminal,
    patienceMs: 0,
    begins: undefined,
  },
  { name: 'pipes wait for nothing', options: { ...onTerminal, tty: false }, begins: undefined },
]
for (const { name, options, told, patienceMs = minute, begins } of cases) {
  test(name, async () => {
    const { peer, tell } = openPeer()
    const { session, end } = openSession()
    const started: (TerminalSize | undefined)[] = []
    const start = async (given: TerminalSize | undefined) => {
      started.push(given)
      end()
      return session
    }
    const running = runExec(peer, options, start, patienceMs)
    if (told) {
      assert.deepEqual(started, [])
      tell(told)
    }
    await running
    assert.deepEqual(started, [begins])
  })
}

test('a terminal follows later sizes, and one that is told while it starts', async () => {
  const { peer, tell } = openPeer()
  const { session, resized, end } = openSession()
  const [wide, wider] = [
    { width: 200, height: 33 },
    { width: 300, height: 33 },
  ]
  const begun = Promise.withResolvers<void>()
  const start = async () => {
    tell(wide)
    begun.resolve()
    return session
  }
  const running = runExec(peer, onTerminal, start, minute)
  tell(size)
  await begun.promise
  await new Promise((resolve) => setImmediate(resolve))
  tell(wider)
  end()
  await running
  assert.deepEqual(resized, [wide, wider])
})

test('a client that has gone is not waited for', async () => {
  const { peer, gone } = openPeer()
  const { session, end } = openSession()
  end()
  const running = runExec(peer, onTerminal, async () => session, minute)
  gone.abort()
  await running
})
