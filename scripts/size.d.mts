interface Size {
  readonly gz: number
  readonly br: number
}
interface Parts {
  readonly js?: Size | undefined
  readonly core?: Size | undefined
  readonly later?: Size | undefined
}
type Budget = Readonly<Record<string, Parts | undefined>>
type Measured = Required<Parts> & { readonly label: string; readonly name: string; readonly where: string; readonly js: Size; readonly later: Size }
export function sizes(): Promise<Measured[]>
export function budgetOf(measured: readonly Measured[]): Budget
export function readBudget(): Promise<Budget>
export function complaints(measured: readonly Measured[], budget: Budget): string[]
export function table(budget: Budget): string
export function withTable(readme: string, budget: Budget): string
