/** Tries an address until it answers: nodes learn of a new address at about the time when it is first tried. */
import { setTimeout as delay } from 'node:timers/promises'
import type { LoadBalancerNetwork } from './network.ts'
import type { Answer, Answered, Proof } from './plan-proof.ts'

export interface ProofTimes {
  /** A SYN that a node did not expect is lost, and is only repeated after a second: so new ones are sent, this soon. */
  readonly firstRetryMs: number
  /** How long only the Service itself is tried. */
  readonly headStartMs: number
  /** How long an answer of the Service itself is waited for when the node has already shown that it routes. */
  readonly patienceMs: number
  readonly timeoutMs: number
}

const defaultTimes: ProofTimes = { firstRetryMs: 1, headStartMs: 20, patienceMs: 250, timeoutMs: 3_000 }

/** Rejects when nothing answers in time. An answer at the Service's own port is preferred to one at the stray port. */
export async function proveAddress(
  network: Pick<LoadBalancerNetwork, 'dial'>,
  ip: string,
  { servicePort, strayPort, hasEndpoints }: Proof,
  signal: AbortSignal,
  times: ProofTimes = defaultTimes,
): Promise<Answered> {
  const stop = new AbortController()
  const ending = AbortSignal.any([signal, stop.signal])
  const patientUntilMs = performance.now() + times.patienceMs
  // Where endpoints are, a refusal comes from a node that does not know them yet, or from them: that shows in time.
  const isFinal = (answer: Answer): boolean =>
    answer === 'connected' || !hasEndpoints || performance.now() > patientUntilMs
  const until = (port: number, accepts: (answer: Answer) => boolean) =>
    dialUntilAnswered(network, { ip, port, accepts, times }, ending)
  const provenByStray = async (): Promise<Answered> => {
    // A stray port that accepts belongs to something else than our node.
    if ((await until(strayPort, () => true)) === 'refused') return { port: strayPort, answer: 'refused' }
    throw new Error(`Cannot trust ${ip}: port ${strayPort}, which no Service has, answers`)
  }
  const provenPatiently = async (): Promise<Answered> => {
    await delay(times.headStartMs, undefined, { signal: ending })
    const answered = await provenByStray()
    await delay(times.patienceMs, undefined, { signal: ending })
    return answered
  }
  try {
    if (servicePort === undefined) return await provenByStray()
    const provenByService = until(servicePort, isFinal).then((answer) => ({ port: servicePort, answer }))
    return await Promise.any([provenByService, provenPatiently()])
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error
  } finally {
    stop.abort()
  }
}

interface Target {
  readonly ip: string
  readonly port: number
  readonly accepts: (answer: Answer) => boolean
  readonly times: ProofTimes
}

/** Earlier tries go on while later ones start: a slow machine must not lose an answer. */
function dialUntilAnswered(
  network: Pick<LoadBalancerNetwork, 'dial'>,
  { ip, port, accepts, times }: Target,
  signal: AbortSignal,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const stop = new AbortController()
  const ending = AbortSignal.any([signal, stop.signal])
  let retry: NodeJS.Timeout | undefined
  let lastError: unknown
  const give = (delayMs: number): void => {
    const settle = (answer: Answer): void => {
      if (accepts(answer)) resolve(answer)
    }
    network.dial(ip, port, ending).then(settle, (error: unknown) => (lastError = error))
    retry = setTimeout(() => give(delayMs * 2), delayMs)
  }
  const timeout = setTimeout(() => {
    reject(new Error(`Cannot reach ${ip}:${port} within ${times.timeoutMs} ms`, { cause: lastError }))
  }, times.timeoutMs)
  const onAbort = () => reject(signal.reason as Error)
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  give(times.firstRetryMs)
  return promise.finally(() => {
    clearTimeout(retry)
    clearTimeout(timeout)
    signal.removeEventListener('abort', onAbort)
    stop.abort()
  })
}
