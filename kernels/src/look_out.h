// Waiting for another thread without sleeping, for a short while.
#ifndef MASKPROOF_KERNELS_SRC_LOOK_OUT_H_
#define MASKPROOF_KERNELS_SRC_LOOK_OUT_H_

#include <chrono>

#include "hwy/cache_control.h"

namespace maskproof::kernels {

// To wake a thread takes 60 to 100 microseconds on a virtual machine, as long as many a job. What
// one thread of a call waits for another to do comes sooner.
inline constexpr std::chrono::microseconds kLookOut{100};

// Returns when `has_come()`, which is asked again and again, or time is up.
template <typename HasCome>
void LookOutFor(const HasCome& has_come) {
  constexpr int kLooksPerTime = 32;
  const auto end = std::chrono::steady_clock::now() + kLookOut;
  do {
    for (int look = 0; look < kLooksPerTime; ++look) {
      if (has_come()) return;
      hwy::Pause();
    }
  } while (std::chrono::steady_clock::now() < end);
}

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_LOOK_OUT_H_
