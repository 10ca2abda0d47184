/** `frontdesk image`: the image store that all clusters of this user share. */
import { type ImageSummary, openImageStore } from '#agent/images/open-image-store.ts'
import { silentLog } from '#observe/log.ts'
import { CliError, exitCodes } from './cli-error.ts'
import type { CliContext } from './context.ts'
import { renderColumns } from './render-columns.ts'
import { selectHome } from './select-cluster-paths.ts'

export async function importImage(context: CliContext, file: string, options: { name?: string }): Promise<void> {
  const added = await open(context)
    .import(file, options)
    .catch((cause: unknown) => {
      throw new CliError(exitCodes.failed, `cannot import ${file}`, { cause: (cause as Error).message }, { cause })
    })
  for (const { reference } of added) context.print(reference)
}

export async function listImages(context: CliContext, options: { output?: string }): Promise<void> {
  const images = await open(context).list()
  if (options.output === 'json') {
    context.print(JSON.stringify({ apiVersion: 'frontdesk.dev/v1alpha1', kind: 'ImageList', items: images }, null, 2))
  } else if (options.output === 'name') {
    for (const { reference } of images) context.print(reference)
  } else {
    context.print(renderColumns(['IMAGE', 'ID', 'SIZE', 'ADDED'], images.map(renderRow)))
  }
}

export async function removeImages(context: CliContext, references: readonly string[]): Promise<void> {
  const images = open(context)
  for (const reference of references) {
    const removed = await images.remove(reference)
    context.say(removed ? `removed ${reference}` : `there is no image ${reference}`)
  }
}

function open(context: CliContext): ReturnType<typeof openImageStore> {
  return openImageStore({ dir: selectHome(context.env, context.homeDir).images, registries: {}, log: silentLog })
}

function renderRow({ reference, id, sizeBytes, addedAt }: ImageSummary): string[] {
  return [reference, id.replace('sha256:', '').slice(0, 12), `${(sizeBytes / 1e6).toFixed(1)} MB`, addedAt]
}
