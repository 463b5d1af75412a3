#include "cli/crash_note.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <string_view>

namespace maskproof::cli {
namespace {

struct Signal {
  int number;
  std::string_view name;
};
constexpr std::array<Signal, 5> kCrashes{{{SIGSEGV, "SIGSEGV"},
                                          {SIGBUS, "SIGBUS"},
                                          {SIGFPE, "SIGFPE"},
                                          {SIGILL, "SIGILL"},
                                          {SIGABRT, "SIGABRT"}}};

// All that the handler reads. A text that does not fit is cut.
class Text {
 public:
  void Set(std::string_view text) {
    size_.store(0);
    const size_t size = std::min(text.size(), characters_.size());
    std::copy_n(text.begin(), size, characters_.begin());
    size_.store(size);
  }
  void Write() const { Say({characters_.data(), size_.load()}); }
  bool empty() const { return size_.load() == 0; }

  static void Say(std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
      if (written <= 0) return;
      text.remove_prefix(static_cast<size_t>(written));
    }
  }

 private:
  std::array<char, 600> characters_{};
  std::atomic<size_t> size_{0};
};

Text before_text;
Text after_text;  // empty when nothing is tried
Text advice_text;
std::atomic<int64_t> case_index{0};

// No function that formats may be called in a handler.
void SayNumber(int64_t number) {
  std::array<char, 20> digits{};
  size_t begin = digits.size();
  do {
    digits[--begin] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number > 0);
  Text::Say({digits.data() + begin, digits.size() - begin});
}

extern "C" void SayCrashNote(int number) {
  if (!after_text.empty()) {
    const auto* const signal = std::ranges::find(kCrashes, number, &Signal::number);
    Text::Say("\nmaskproof: died of ");
    Text::Say(signal != kCrashes.end() ? signal->name : "a signal");
    Text::Say(" in ");
    before_text.Write();
    SayNumber(case_index.load());
    after_text.Write();
    Text::Say("\n");
    advice_text.Write();
    Text::Say("\n");
  }
  // The handler has been reset: now it ends the process as it would have done.
  (void)raise(number);
}

}  // namespace

void CatchCrashes() {
  // For a stack that has overflowed.
  static std::array<char, size_t{64} << 10> memory;
  const stack_t stack{.ss_sp = memory.data(), .ss_flags = 0, .ss_size = memory.size()};
  sigaltstack(&stack, nullptr);
  for (const Signal& signal : kCrashes) {
    struct sigaction action = {};
    if (sigaction(signal.number, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) continue;
    action.sa_handler = SayCrashNote;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_ONSTACK | static_cast<int>(SA_RESETHAND);
    sigaction(signal.number, &action, nullptr);
  }
}

CrashNote::CrashNote(const std::string& before, int64_t index, const std::string& after,
                     const std::string& advice) {
  case_index = index;
  before_text.Set(before);
  advice_text.Set(advice);
  after_text.Set(after);
}

CrashNote::~CrashNote() { after_text.Set({}); }

void CrashNote::SetCase(int64_t index) { case_index.store(index, std::memory_order_relaxed); }

}  // namespace maskproof::cli
