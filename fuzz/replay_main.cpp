// Runs a target on files and folders given as arguments, without any engine: for regressions, for
// compilers without libFuzzer, and for a debugger.
#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/checks.h"
#include "fuzz/input.h"
#include "fuzz/shrink.h"
#include "fuzz/tally.h"
#include "fuzz/target.h"

namespace maskproof::fuzz {
namespace {

// What to do with an input.
enum class Mode : uint8_t {
  kCheck,   // as the fuzz target does
  kPrint,   // write its recipe
  kShrink,  // write the smallest recipe that breaks the law that it breaks
};

constexpr int kMostShrinkTries = 5000;

struct Options {
  Mode mode = Mode::kCheck;
  std::vector<std::string> paths;
};

struct Counts {
  int ran = 0;
  int rejected = 0;
  int unreadable = 0;
};

bool IsFolder(const std::string& path) {
  struct stat status = {};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// All files below `path`, hidden ones left out, in an order that does not depend on the machine.
// A path that is no folder counts as a file.
void Collect(const std::string& path, std::vector<std::string>& files) {
  DIR* folder = IsFolder(path) ? opendir(path.c_str()) : nullptr;
  if (folder == nullptr) {
    files.push_back(path);
    return;
  }
  std::vector<std::string> entries;
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] != '.') entries.emplace_back(path + "/" + entry->d_name);
  }
  closedir(folder);
  std::sort(entries.begin(), entries.end());
  for (const std::string& entry : entries) Collect(entry, files);
}

std::optional<std::vector<uint8_t>> ReadFile(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return std::nullopt;
  std::vector<uint8_t> bytes;
  uint8_t chunk[4096];
  size_t got = 0;
  do {
    got = std::fread(chunk, 1, sizeof(chunk), file);
    bytes.insert(bytes.end(), chunk, chunk + got);
  } while (got == sizeof(chunk));
  const bool failed = std::ferror(file) != 0;
  std::fclose(file);
  if (failed) return std::nullopt;
  return bytes;
}

void PrintLine(const std::string& path, std::string_view message) {
  std::fprintf(stderr, "%s: %.*s\n", path.c_str(), static_cast<int>(message.size()),
               message.data());
}

void PrintRecipe(const Recipe& recipe) {
  const std::string text = ToText(recipe);
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void PrintShrunk(const Target& target, const Recipe& recipe) {
  std::optional<Broken> broken = FindBroken(target, recipe);
  if (!broken) {
    std::fputs("# breaks no law\n", stdout);
    return;
  }
  const Recipe smallest = Shrink(recipe, kMostShrinkTries, *broken);
  const std::string& subject = broken->subject->name();
  const std::string& summary = broken->verdict.evidence.summary;
  std::fprintf(stdout, "# breaks %s on %.*s: %.*s\n", broken->invariant->id,
               static_cast<int>(subject.size()), subject.data(), static_cast<int>(summary.size()),
               summary.data());
  PrintRecipe(smallest);
}

InputResult RunInput(const Target& target, Mode mode, const std::vector<uint8_t>& bytes,
                     std::string& error) {
  if (mode == Mode::kCheck) return target.run(target, bytes.data(), bytes.size(), error);
  const std::optional<Recipe> recipe = DecodeInput(target, bytes.data(), bytes.size(), error);
  if (!recipe) return InputResult::kRejected;
  if (mode == Mode::kPrint) PrintRecipe(*recipe);
  if (mode == Mode::kShrink) PrintShrunk(target, *recipe);
  return InputResult::kRan;
}

void RunFile(const Target& target, const Options& options, const std::string& path,
             Counts& counts) {
  const std::optional<std::vector<uint8_t>> bytes = ReadFile(path);
  if (!bytes) {
    PrintLine(path, "cannot be read");
    ++counts.unreadable;
    return;
  }
  std::string error;
  if (RunInput(target, options.mode, *bytes, error) == InputResult::kRan) {
    ++counts.ran;
    return;
  }
  PrintLine(path, error);
  ++counts.rejected;
}

int Replay(const Options& options) {
  const Target& target = ThisTarget();
  std::vector<std::string> files;
  for (const std::string& path : options.paths) Collect(path, files);
  Counts counts;
  for (const std::string& file : files) RunFile(target, options, file, counts);
  const Tally tally = TotalTally();
  std::fprintf(stderr,
               "%s: %d inputs ran, %d rejected, %d unreadable; checks: %llu hold, %llu undecided, "
               "%llu not applicable\n",
               target.name, counts.ran, counts.rejected, counts.unreadable,
               static_cast<unsigned long long>(tally.holds),
               static_cast<unsigned long long>(tally.undecided),
               static_cast<unsigned long long>(tally.not_applicable));
  if (counts.ran == 0) std::fprintf(stderr, "%s: nothing was replayed\n", target.name);
  return counts.ran > 0 && counts.rejected == 0 && counts.unreadable == 0 ? 0 : 1;
}

int Usage(std::FILE* where, int code) {
  std::fprintf(where,
               "usage: %s_replay [--print | --shrink] FILE-OR-FOLDER...\n"
               "Checks every input as the fuzz target would; aborts at the first broken law.\n"
               "  --print   write the recipe of every input to the standard output instead\n"
               "  --shrink  write the smallest recipe found that breaks the same law\n",
               ThisTarget().name);
  return code;
}

}  // namespace
}  // namespace maskproof::fuzz

int main(int argc, char** argv) {
  maskproof::fuzz::Options options;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--help") == 0) return maskproof::fuzz::Usage(stdout, 0);
    if (std::strcmp(argv[i], "--print") == 0) {
      options.mode = maskproof::fuzz::Mode::kPrint;
    } else if (std::strcmp(argv[i], "--shrink") == 0) {
      options.mode = maskproof::fuzz::Mode::kShrink;
    } else {
      options.paths.emplace_back(argv[i]);
    }
  }
  if (options.paths.empty()) return maskproof::fuzz::Usage(stderr, 2);
  return maskproof::fuzz::Replay(options);
}
