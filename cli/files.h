// Reading and writing whole files.
#ifndef MASKPROOF_CLI_FILES_H_
#define MASKPROOF_CLI_FILES_H_

#include <optional>
#include <string>
#include <vector>

namespace maskproof::cli {

// The text of a regular file of at most `max_bytes`; nullopt with a reason in `error`.
std::optional<std::string> ReadFile(const std::string& path, size_t max_bytes, std::string& error);

// Writes a temporary file beside `path` and renames it over it, so that no reader ever sees half
// of it. Where `path` is a link, the file that it leads to is the one that is replaced. A device, a
// FIFO and our own output (/dev/stdout) are written to as they are.
bool WriteFileAtomically(const std::string& path, const std::string& text, std::string& error);

// Finds out now whether WriteFileAtomically(path, ...) is going to work. Leaves nothing behind.
bool CanWriteFile(const std::string& path, std::string& error);

// A directory for results: created if absent, tried for writing, and removed again by the
// destructor if it was created here and nothing was put in.
class OutputDirectory {
 public:
  OutputDirectory(std::string path, std::string& error);
  ~OutputDirectory();
  OutputDirectory(const OutputDirectory&) = delete;
  OutputDirectory& operator=(const OutputDirectory&) = delete;
  OutputDirectory(OutputDirectory&&) = delete;
  OutputDirectory& operator=(OutputDirectory&&) = delete;

  bool ok() const { return ok_; }
  std::string File(const std::string& name) const;

 private:
  std::string path_;
  bool created_ = false;
  bool ok_ = false;
};

// `path` itself, or, for a directory, every *.recipe file below it in alphabetical order.
std::optional<std::vector<std::string>> RecipeFiles(const std::string& path, std::string& error);

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_FILES_H_
