export interface Row {
  readonly consumer: string
  readonly what: string
}
export function rowsInTests(): (Row & { readonly file: string })[]
export function rowsIn(source: string): Row[]
export function rowOf(title: string): Row | undefined
export function markdownOf(rows: (Row & { readonly version: string; readonly result: string })[]): string
export function shortMarkdownOf(rows: (Row & { readonly version: string; readonly result: string })[]): string
export function countsInMarkdown(text: string): { readonly consumer: string; readonly passed: string }[]
export function rowsInMarkdown(text: string): Row[]
export function withTable(text: string, table: string): string
