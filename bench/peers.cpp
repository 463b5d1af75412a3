#include <string_view>

#include "bench/contender.h"
#include "bench/gemm_peers.h"
#include "bench/onnxruntime_peer.h"

namespace maskproof::bench {

std::unique_ptr<Implementation> MakePeer(const std::string& specification, std::string& error) {
  constexpr std::string_view kOnnxRuntime = "onnxruntime:";
  if (specification.starts_with(kOnnxRuntime)) {
    return MakeOnnxRuntimePeer(specification.substr(kOnnxRuntime.size()), error);
  }
  if (specification == "openblas") return MakeOpenBlasPeer(error);
  if (specification == "onednn") return MakeOneDnnPeer(error);
  error = "unknown peer; expected onnxruntime:VERSION, onnxruntime:PATH, openblas or onednn";
  return nullptr;
}

}  // namespace maskproof::bench
