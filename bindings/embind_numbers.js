// The JavaScript half of embind, for a control plane (control.cpp) that takes and gives nothing but numbers.
//
// Embind's own knows strings, views, classes, handles and how to convert them: 5 KB gzipped, a ninth of the package. Numbers
// need no conversion, so registering a type does nothing here, and registering a function puts its invoker into the
// module under its name. (A bool arrives as 0 or 1.) Linked as a library of Emscripten, in place of its own.
mergeInto(LibraryManager.library, {
  _embind_register_function__deps: ['$getWasmTableEntry'],
  _embind_register_function: function (name, argCount, argTypes, signature, invoker, fn) {
    var text = '';
    while (HEAPU8[name]) text += String.fromCharCode(HEAPU8[name++]);
    Module[text] = getWasmTableEntry(invoker).bind(null, fn);
  },
  _embind_register_void__deps: [],
  _embind_register_void: function () {},
  _embind_register_bool__deps: [],
  _embind_register_bool: function () {},
  _embind_register_integer__deps: [],
  _embind_register_integer: function () {},
  _embind_register_bigint__deps: [],
  _embind_register_bigint: function () {},
  _embind_register_float__deps: [],
  _embind_register_float: function () {},
  _embind_register_std_string__deps: [],
  _embind_register_std_string: function () {},
  _embind_register_std_wstring__deps: [],
  _embind_register_std_wstring: function () {},
  _embind_register_memory_view__deps: [],
  _embind_register_memory_view: function () {},
  _embind_register_emval__deps: [],
  _embind_register_emval: function () {},
});
