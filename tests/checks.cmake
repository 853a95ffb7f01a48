# Rules of the tree itself, as tests.
foreach(rule layers lengths format cppcheck)
  add_test(NAME check/${rule} COMMAND ${CMAKE_SOURCE_DIR}/tools/check-${rule}.sh)
  set_tests_properties(check/${rule} PROPERTIES LABELS check SKIP_RETURN_CODE 77)
endforeach()

# Without the analyzer, which takes minutes: `make test-full` runs that.
add_test(NAME check/tidy COMMAND ${CMAKE_SOURCE_DIR}/tools/check-tidy.sh ${CMAKE_BINARY_DIR})
set_tests_properties(check/tidy PROPERTIES LABELS check SKIP_RETURN_CODE 77 PROCESSORS 2)

add_test(NAME check/systemd-unit
         COMMAND ${CMAKE_SOURCE_DIR}/tools/check-systemd-unit.sh $<TARGET_FILE:tinybms-gw>)
set_tests_properties(check/systemd-unit PROPERTIES LABELS check SKIP_RETURN_CODE 77)

# The documents: the generated pages, the names they mention, the commands they show.
add_subdirectory(${CMAKE_SOURCE_DIR}/tools/docs ${CMAKE_BINARY_DIR}/tools/docs)
add_test(NAME check/docs-generated COMMAND ${CMAKE_SOURCE_DIR}/tools/check-docs-generated.sh
                                           $<TARGET_FILE:tinybms-gw-docs>)
add_test(NAME check/docs-names COMMAND ${CMAKE_SOURCE_DIR}/tools/check-docs-names.sh)
add_test(NAME check/docs-commands
         COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tools/check-docs-commands.py
                 $<TARGET_FILE:tinybms-gw>)
set_tests_properties(check/docs-generated check/docs-names check/docs-commands
                     PROPERTIES LABELS check SKIP_RETURN_CODE 77)

# The page of measurements has the rows of the table of goals; its numbers are a run's.
add_test(NAME check/performance-page COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/bench/page.py --check)
set_tests_properties(check/performance-page PROPERTIES LABELS check)
