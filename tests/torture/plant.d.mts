export const bugs: Readonly<Record<string, readonly (readonly [file: string, find: string, replacement: string])[]>>
export function plant(name: string): { seed: number; step: number; expected: string; after: number } | undefined
