#include "properties/subjects/companion.h"

#include <new>
#include <utility>

namespace maskproof {

Companion::~Companion() {
  wanted_.release();
  thread_.join();
}

void Companion::Work() {
  while (true) {
    wanted_.acquire();
    if (!call_) return;
    try {
      do {
        begun_ = true;
        call_();
        // Where both calls have one processor, the other one need not wait for the end of a slice.
        std::this_thread::yield();
      } while (!leave_);
    } catch (const std::bad_alloc&) {
      begun_ = true;  // and over: what became of the call is nobody's business
    }
    ended_.release();
  }
}

Companion::Company::Company(Companion& companion, std::function<void()> call)
    : companion_(companion) {
  companion_.begun_ = false;
  companion_.leave_ = false;
  companion_.call_ = std::move(call);
  companion_.wanted_.release();
  while (!companion_.begun_) std::this_thread::yield();
}

Companion::Company::~Company() {
  companion_.leave_ = true;
  companion_.ended_.acquire();
  companion_.call_ = nullptr;
}

}  // namespace maskproof
