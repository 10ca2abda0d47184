/** `$(NAME)` in commands, arguments and values; `$$` is a dollar sign; unknown names stay as they are. */
export function expandVariables(text: string, lookup: (name: string) => string | undefined): string {
  return text.replaceAll(/\$\$|\$\(([^)]*)\)/g, (match, name: string | undefined) =>
    name === undefined ? '$' : (lookup(name) ?? match),
  )
}
