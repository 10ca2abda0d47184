/** Watch events with their line of JSON, which is made at most once however many watchers read it. */
import type { KubeObject } from '#api/meta.ts'
import type { EncodedWatchEvent, WatchEventType } from '#api/wire.ts'

const text = new TextEncoder()

export function encodeEvent(type: WatchEventType, object: KubeObject): EncodedWatchEvent {
  let line: Uint8Array | undefined
  return {
    event: { type, object },
    json: () => (line ??= text.encode(`{"type":"${type}","object":${JSON.stringify(object)}}\n`)),
  }
}

/** An event whose object is no KubeObject: a Table, or the Status of an ERROR. */
export function encodeOtherEvent(type: WatchEventType, object: object): EncodedWatchEvent {
  return encodeEvent(type, object as KubeObject)
}
