export interface SelectorToken {
  readonly type:
    | 'identifier'
    | 'in'
    | 'notin'
    | '!'
    | '('
    | ')'
    | ','
    | '='
    | '=='
    | '!='
    | '>'
    | '<'
    | 'end'
    | 'unknown'
  readonly text: string
}

const pattern = /\s*(?:(==|!=|[=!(),<>])|([^\s=!(),<>]+))/y

/** The words and signs of a label selector. */
export function tokenizeSelector(text: string): SelectorToken[] {
  const tokens: SelectorToken[] = []
  pattern.lastIndex = 0
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const [, sign, word = ''] = match
    if (sign !== undefined) tokens.push({ type: sign as SelectorToken['type'], text: sign })
    else if (word === 'in' || word === 'notin') tokens.push({ type: word, text: word })
    else tokens.push({ type: 'identifier', text: word })
  }
  return [...tokens, { type: 'end', text: '' }]
}
