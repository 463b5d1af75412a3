# libFuzzer for MemorySanitizer builds where the C++ library is not instrumented.
#
# Debian's libFuzzer is compiled against the same libstdc++ as the targets, without instrumentation.
# Linked plainly, the linker keeps one copy of every inline function that both use: where that is
# libFuzzer's, what it writes counts as uninitialised and std::string alone gives false reports; where
# it is ours, libFuzzer's own values do. So libFuzzer and its own C++ library are linked into one
# object whose symbols, but for the interface, are local.
#
# make_private_engine(OUT): sets OUT to the object's path, with a rule that makes it.
function(make_private_engine out)
  find_program(MASKPROOF_LD ld REQUIRED)
  find_program(MASKPROOF_OBJCOPY objcopy REQUIRED)
  foreach(name IN ITEMS libclang_rt.fuzzer-${CMAKE_SYSTEM_PROCESSOR}.a libclang_rt.fuzzer.a)
    execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=${name}
                    OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE)
    # The compiler echoes the bare name if it has no such file.
    if(IS_ABSOLUTE "${found}" AND NOT engine)
      set(engine ${found})
    endif()
  endforeach()
  if(NOT engine)
    message(FATAL_ERROR "no libFuzzer beside ${CMAKE_CXX_COMPILER}")
  endif()
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libstdc++.a
                  OUTPUT_VARIABLE library OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT IS_ABSOLUTE "${library}")
    message(FATAL_ERROR "no static libstdc++ for ${CMAKE_CXX_COMPILER}")
  endif()

  set(joined ${CMAKE_CURRENT_BINARY_DIR}/engine-joined.o)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/engine.o)
  set(interface ${CMAKE_CURRENT_BINARY_DIR}/engine-interface.txt)
  file(WRITE ${interface} "main\nLLVMFuzzer*\n__sancov_*\n__sanitizer_*\n")
  add_custom_command(OUTPUT ${object}
    COMMAND ${MASKPROOF_LD} -r --force-group-allocation --whole-archive ${engine}
            --no-whole-archive ${library} -o ${joined}
    COMMAND ${MASKPROOF_OBJCOPY} --wildcard --keep-global-symbols=${interface} ${joined} ${object}
    DEPENDS ${engine} ${library} ${interface} VERBATIM)
  add_custom_target(maskproof_private_engine DEPENDS ${object})
  set(${out} ${object} PARENT_SCOPE)
endfunction()
