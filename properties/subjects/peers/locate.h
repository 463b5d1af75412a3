// Where things lie on this machine that are not linked in: the worker, and ONNX Runtime.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_PEERS_LOCATE_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_PEERS_LOCATE_H_

#include <string>

namespace maskproof::peers {

// $MASKPROOF_WORKER, or maskproof-worker beside the running program.
std::string WorkerProgram();

// The absolute path of the library that `what` names: a path, or a version, looked for in
// $MASKPROOF_ONNXRUNTIME_DIR/VERSION or else in .cache/onnxruntime/VERSION of the working
// directory, the running program's directory and their parents. Empty, with the reason, if there is
// none.
std::string FindOnnxRuntime(const std::string& what, std::string& error);

}  // namespace maskproof::peers

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_PEERS_LOCATE_H_
