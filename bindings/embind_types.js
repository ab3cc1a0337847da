// Embind's glue in JavaScript knows strings, views and handles; the control plane (control.cpp) takes numbers and objects of
// numbers. What nobody passes is registered as nothing, which takes a third off the glue. (Linked as a library of
// Emscripten; a type that is missing after all makes embind throw UnboundTypeError when the module starts.)
mergeInto(LibraryManager.library, {
  _embind_register_std_string__deps: [],
  _embind_register_std_string: function () {},
  _embind_register_std_wstring__deps: [],
  _embind_register_std_wstring: function () {},
  _embind_register_memory_view__deps: [],
  _embind_register_memory_view: function () {},
  _embind_register_emval__deps: [],
  _embind_register_emval: function () {},
  _embind_register_bigint__deps: [],
  _embind_register_bigint: function () {},
})
