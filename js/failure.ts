/** In place of a value: what the function threw. */
export class Failure {
  constructor(readonly error: unknown) {}
}
