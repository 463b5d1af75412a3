// ONNX Runtime's CPU kernels as a subject of this process: for the worker.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_PEERS_ONNXRUNTIME_SUBJECT_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_PEERS_ONNXRUNTIME_SUBJECT_H_

#include <memory>
#include <string>

#include "properties/subjects/subject.h"

namespace maskproof::peers {

// Whether the C API header was there when this was built.
bool BuiltWithOnnxRuntime();

// Null with the reason if the library at `path` cannot be loaded. `version` is what the library
// says of itself.
std::unique_ptr<Subject> MakeOnnxRuntimeSubject(const std::string& path, int threads,
                                                std::string& version, std::string& error);

}  // namespace maskproof::peers

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_PEERS_ONNXRUNTIME_SUBJECT_H_
