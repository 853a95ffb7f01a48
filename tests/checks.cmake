# Rules of the tree itself, as tests.
foreach(rule layers format)
  add_test(NAME check/${rule} COMMAND ${CMAKE_SOURCE_DIR}/tools/check-${rule}.sh)
  set_tests_properties(check/${rule} PROPERTIES LABELS check SKIP_RETURN_CODE 77)
endforeach()
