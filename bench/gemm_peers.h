// sgemm of OpenBLAS and oneDNN as contenders for the projection.
#ifndef MASKPROOF_BENCH_GEMM_PEERS_H_
#define MASKPROOF_BENCH_GEMM_PEERS_H_

#include <memory>
#include <string>

#include "bench/contender.h"

namespace maskproof::bench {

// Null with the reason, for instance that the library was not there when this was configured.
std::unique_ptr<Implementation> MakeOpenBlasPeer(std::string& error);
std::unique_ptr<Implementation> MakeOneDnnPeer(std::string& error);

}  // namespace maskproof::bench

#endif  // MASKPROOF_BENCH_GEMM_PEERS_H_
