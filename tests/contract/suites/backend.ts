/** What a suite of somebody else's runs over: told to its process by the test that starts it. */
export const kinds = ['memory', 'file-system', 'redis'] as const

export interface Backend {
  readonly kind: (typeof kinds)[number]
  /** A directory, or a URL. */
  readonly place: string
}

export function backendOf(env: NodeJS.ProcessEnv): Backend {
  const { SUITE_KIND: kind, SUITE_PLACE: place = '' } = env
  if (!kinds.some(known => known === kind)) throw new Error(`SUITE_KIND is ${kind}, and not one of ${kinds.join(', ')}.`)
  return { kind: kind as Backend['kind'], place }
}

export const envOf = ({ kind, place }: Backend): Record<string, string> => ({ SUITE_KIND: kind, SUITE_PLACE: place })
