// In place of onnxruntime_peer.cpp where the C API header was not found.
#include "bench/onnxruntime_peer.h"

namespace maskproof::bench {

std::unique_ptr<Implementation> MakeOnnxRuntimePeer(const std::string& what, std::string& error) {
  error =
      "cannot use onnxruntime:" + what +
      ": built without the ONNX Runtime C API header; run ci/get-onnxruntime and configure again";
  return nullptr;
}

}  // namespace maskproof::bench
