// What was being tried when a subject that runs in this process dies of it: said on the error
// stream before the signal ends the process, as the recipe is lost.
#ifndef MASKPROOF_CLI_CRASH_NOTE_H_
#define MASKPROOF_CLI_CRASH_NOTE_H_

#include <cstdint>
#include <string>

namespace maskproof::cli {

// Has the signals that a fault raises say the note. Where a sanitizer has taken them, they are
// left to it.
void CatchCrashes();

// What is tried while it lives; one at a time.
class CrashNote {
 public:
  // "maskproof: died of SIGSEGV in <before><case><after>", the advice on a line of its own.
  CrashNote(const std::string& before, int64_t case_index, const std::string& after,
            const std::string& advice);
  CrashNote(const CrashNote&) = delete;
  CrashNote& operator=(const CrashNote&) = delete;
  ~CrashNote();

  static void SetCase(int64_t index);
};

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_CRASH_NOTE_H_
