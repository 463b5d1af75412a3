// A second thread that calls something over and over while the first is at work.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_COMPANION_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_COMPANION_H_

#include <atomic>
#include <functional>
#include <semaphore>
#include <thread>

namespace maskproof {

// The thread lives as long as this object: making one, with the memory that belongs to it, costs a
// hundred small calls. Used by one thread at a time.
class Companion {
 public:
  Companion() : thread_([this] { Work(); }) {}
  ~Companion();
  Companion(const Companion&) = delete;
  Companion& operator=(const Companion&) = delete;

  // While this lives, the companion calls `call` over and over, at least once; the first call has
  // begun. It gives up quietly when memory runs out.
  class Company {
   public:
    Company(Companion& companion, std::function<void()> call);
    ~Company();  // waits for the call that is under way
    Company(const Company&) = delete;
    Company& operator=(const Company&) = delete;

   private:
    Companion& companion_;
  };

 private:
  void Work();

  std::function<void()> call_;  // empty: the thread is to end
  std::binary_semaphore wanted_{0};
  std::binary_semaphore ended_{0};
  std::atomic<bool> begun_ = false;
  std::atomic<bool> leave_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_COMPANION_H_
