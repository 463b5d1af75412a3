# Flags shared by every target of the project: link against maskproof_options.
add_library(maskproof_options INTERFACE)
target_compile_options(maskproof_options INTERFACE -Wall -Wextra -Wconversion -Wshadow
                                                   -fno-omit-frame-pointer)
# The bits of a result must not depend on how a compiler contracts a*b+c; where the kernels want a
# fused multiply-add they ask for one.
target_compile_options(maskproof_options INTERFACE -ffp-contract=off)
target_include_directories(maskproof_options INTERFACE ${PROJECT_SOURCE_DIR})
if(MASKPROOF_WERROR)
  target_compile_options(maskproof_options INTERFACE -Werror)
endif()

# Sanitizers apply to every object, so that no half-instrumented call hides a fault.
if(MASKPROOF_SANITIZERS)
  set(sanitize_flags -g -fsanitize=${MASKPROOF_SANITIZERS} -fno-sanitize-recover=all)
  if(MASKPROOF_SANITIZERS MATCHES "memory")
    list(APPEND sanitize_flags -fsanitize-memory-track-origins=2)
    # std::string from our own, instrumented objects rather than from libstdc++.so: what an
    # uninstrumented function writes counts as uninitialised.
    add_compile_definitions(_GLIBCXX_EXTERN_TEMPLATE=0)
  endif()
  # Frames kept on the heap, so that a dead one is noticed, cost a fifth of a campaign. The kernels
  # keep theirs (kernels/CMakeLists.txt).
  if(MASKPROOF_SANITIZERS MATCHES "address" AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    set(MASKPROOF_KEEPS_DEAD_FRAMES -fsanitize-address-use-after-return=runtime)
    list(APPEND sanitize_flags -fsanitize-address-use-after-return=never)
  endif()
  add_compile_options(${sanitize_flags})
  add_link_options(${sanitize_flags})
endif()
if(MASKPROOF_COVERAGE)
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fprofile-instr-generate -fcoverage-mapping)
endif()

# Fuzzing wants coverage from every object. A fuzzing service names its engine in LIB_FUZZING_ENGINE
# and passes the flags that belong to it itself.
set(MASKPROOF_FUZZING_ENGINE "$ENV{LIB_FUZZING_ENGINE}" CACHE STRING
    "What to link fuzz targets with; empty: clang's libFuzzer")
if(MASKPROOF_FUZZ AND NOT MASKPROOF_FUZZING_ENGINE)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "MASKPROOF_FUZZ needs clang, or a fuzzing engine in LIB_FUZZING_ENGINE")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()
# Comparisons are not traced, a service's flags notwithstanding: operands mean little to mutators that
# mostly edit recipes, and recording them took more than half of the time.
if(MASKPROOF_FUZZ AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_compile_options(-fno-sanitize-coverage=trace-cmp)
endif()
