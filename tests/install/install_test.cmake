# Installs the build into a fresh prefix, then builds and runs the examples against nothing but it.
#   cmake -DBUILD=<build folder> -DSOURCE=<repository> -DWORK=<scratch folder> -DGENERATOR=<of CMake>
#         [-DLAUNCHER=<ccache>] -P install_test.cmake
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "exit ${code}: ${ARGV}\n${text}")
  endif()
  set(output "${text}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
foreach(example train_with_our_head evaluate_embeddings)
  run(${CMAKE_COMMAND} -S ${SOURCE}/examples/${example} -B ${WORK}/${example} -G ${GENERATOR}
      -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH=${WORK}/prefix -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER})
  run(${CMAKE_COMMAND} --build ${WORK}/${example})
  run(${WORK}/${example}/${example})
  message("${output}")
endforeach()

# Programs that only evaluate need no LibTorch at run time.
run(ldd ${WORK}/evaluate_embeddings/evaluate_embeddings)
if(output MATCHES "libtorch|libc10")
  message(FATAL_ERROR "evaluate_embeddings is linked with LibTorch:\n${output}")
endif()
