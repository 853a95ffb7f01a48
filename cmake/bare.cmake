# SPDX-License-Identifier: MIT
# What both machines without an operating system share. Assertions stay, as in ESP-IDF's release
# builds, and name files from the root of the tree, so that a longer path is no larger program.
# -fcallgraph-info leaves who calls whom, and how much stack, beside each object (.ci).
get_filename_component(root ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
string(APPEND CMAKE_C_FLAGS_INIT
       " -isystem ${root}/tests/embedded/libc -ffunction-sections -fdata-sections"
       " -fmacro-prefix-map=${root}/= -fcallgraph-info=su")
set(CMAKE_C_FLAGS_MINSIZEREL "-Os" CACHE STRING "for size, with assertions")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-nostdlib -static -Wl,--no-warn-rwx-segments")
set(CMAKE_C_STANDARD_LIBRARIES_INIT "-lgcc")
