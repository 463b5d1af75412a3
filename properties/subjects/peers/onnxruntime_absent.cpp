// In place of onnxruntime_subject.cpp where the C API header was not found.
#include "properties/subjects/peers/onnxruntime_subject.h"

namespace maskproof::peers {

bool BuiltWithOnnxRuntime() { return false; }

std::unique_ptr<Subject> MakeOnnxRuntimeSubject(const std::string& path, int /*threads*/,
                                                std::string& /*version*/, std::string& error) {
  error =
      "cannot load " + path +
      ": built without the ONNX Runtime C API header; run ci/get-onnxruntime and configure again";
  return nullptr;
}

}  // namespace maskproof::peers
