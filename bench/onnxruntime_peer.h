// ONNX Runtime, of any version, as a contender.
#ifndef MASKPROOF_BENCH_ONNXRUNTIME_PEER_H_
#define MASKPROOF_BENCH_ONNXRUNTIME_PEER_H_

#include <memory>
#include <string>

#include "bench/contender.h"

namespace maskproof::bench {

// `what` is a version or the path of a library. Null with the reason.
std::unique_ptr<Implementation> MakeOnnxRuntimePeer(const std::string& what, std::string& error);

}  // namespace maskproof::bench

#endif  // MASKPROOF_BENCH_ONNXRUNTIME_PEER_H_
