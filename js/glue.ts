/**
 * What a core needs of JavaScript around it, in place of the glue that Emscripten generates: 0.3 KB gzipped in place of 2.6, most
 * of which would fetch and compile the module, which the runtime has done.
 *
 * The module imports one function, by which embind tells the names and the addresses of what bindings/control.cpp offers.
 * Embind's own half in JavaScript knows strings, views, classes and how to convert them. The control plane takes and gives
 * numbers only, which need no conversion (a bool arrives as 0 or 1). scripts/build.mjs checks that no module wants more.
 */
import type { CoreControl, CoreExports, CoreInstance } from './boundary.js'

/** What the linker adds to the exports of bindings/exports.cpp. */
interface LinkedExports extends CoreExports {
  /** Runs the constructors of static objects, and with them EMSCRIPTEN_BINDINGS. */
  __wasm_call_ctors(): void
  /** What addresses of functions stand for. */
  __indirect_function_table: WebAssembly.Table
}

/** An instance of `module`. Rejects where it cannot be made. */
export async function instantiate(module: WebAssembly.Module): Promise<CoreInstance> {
  const control: Record<string, unknown> = {}
  const imports = {
    env: {
      _embind_register_function(name: number, _argCount: number, _argTypes: number, _signature: number, invoker: number, target: number): void {
        const bytes = new Uint8Array(exports.memory.buffer)
        let text = ''
        for (let at = name; bytes[at] !== 0; at++) text += String.fromCharCode(bytes[at]!)
        const call = exports.__indirect_function_table.get(invoker) as (target: number, ...numbers: number[]) => number
        control[text] = call.bind(null, target)
      },
    },
  }
  const exports = (await WebAssembly.instantiate(module, imports)).exports as unknown as LinkedExports
  exports.__wasm_call_ctors()
  return { exports, control: control as unknown as CoreControl }
}
