// What the linker must know of JavaScript: the one function that the module imports. Its body is in js/glue.ts, which takes the
// place of the glue that Emscripten generates.
mergeInto(LibraryManager.library, {
  _embind_register_function: function (name, argCount, argTypes, signature, invoker, fn) {},
});
