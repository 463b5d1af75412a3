#include "cli/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>

namespace maskproof::cli {
namespace {

namespace fs = std::filesystem;

std::string LastSystemError() { return std::generic_category().message(errno); }

// Where `path` leads to, there or not yet: a link is to stay one.
std::string Followed(const std::string& path) {
  constexpr int kMostLinks = 40;
  fs::path target = path;
  std::error_code code;
  for (int links = 0; links < kMostLinks && fs::is_symlink(target, code); ++links) {
    const fs::path next = fs::read_symlink(target, code);
    if (code) break;
    target = target.parent_path() / next;
  }
  return target.string();
}

// STDOUT_FILENO or STDERR_FILENO if `path` is another name of it, like /dev/stdout; else -1.
int OwnDescriptor(const std::string& path) {
  struct stat file = {};
  if (stat(path.c_str(), &file) != 0) return -1;
  for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat own = {};
    if (fstat(descriptor, &own) != 0) continue;
    if (own.st_dev == file.st_dev && own.st_ino == file.st_ino) return descriptor;
  }
  return -1;
}

enum class Place : uint8_t {
  kNone,     // nothing can be written there
  kReplace,  // a file, there or not yet: another one takes its place
  kInPlace,  // a device, a FIFO, our own output: to replace it would take it from everybody
};

// kNone with a reason in `error`.
Place PlaceOf(const std::string& path, std::string& error) {
  std::error_code code;
  const fs::file_type type = fs::status(path, code).type();
  if (type == fs::file_type::directory) {
    error = fmt::format("cannot write '{}': it is a directory", path);
    return Place::kNone;
  }
  if (type == fs::file_type::none) {
    error = fmt::format("cannot write '{}': {}", path, code.message());
    return Place::kNone;
  }
  const bool is_file = type == fs::file_type::regular || type == fs::file_type::not_found;
  return is_file && OwnDescriptor(path) < 0 ? Place::kReplace : Place::kInPlace;
}

// Writes and closes. False with errno.
bool WriteAndClose(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      const int reason = errno;
      close(descriptor);
      errno = reason;
      return false;
    }
  }
  return close(descriptor) == 0;
}

bool WriteInPlace(const std::string& path, const std::string& text, std::string& error) {
  // What was printed before comes before.
  (void)std::fflush(stdout);
  const int own = OwnDescriptor(path);
  const int descriptor = own < 0 ? open(path.c_str(), O_WRONLY | O_CLOEXEC) : dup(own);
  if (descriptor >= 0 && WriteAndClose(descriptor, text)) return true;
  error = fmt::format("cannot write '{}': {}", path, LastSystemError());
  return false;
}

// Creates an empty temporary file beside `path` and opens it; -1 with a reason in `error`.
int MakeTemporaryBeside(const std::string& path, std::string& temporary, std::string& error) {
  temporary = Followed(path) + ".XXXXXX";
  const int descriptor = mkstemp(temporary.data());
  if (descriptor < 0) {
    error = fmt::format("cannot write '{}': {}", path, LastSystemError());
    return -1;
  }
  // mkstemp gives 0600; results are for everybody whom the umask lets in. It can only be read by
  // setting it.
  const mode_t mask = umask(0);
  umask(mask);
  (void)fchmod(descriptor, 0666 & ~mask);
  return descriptor;
}

void Remove(const std::string& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
}

}  // namespace

std::optional<std::string> ReadFile(const std::string& path, size_t max_bytes, std::string& error) {
  std::error_code code;
  if (fs::is_directory(path, code)) {
    error = fmt::format("cannot read '{}': it is a directory", path);
    return std::nullopt;
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    error = fmt::format("cannot read '{}': {}", path, LastSystemError());
    return std::nullopt;
  }
  // One byte more than allowed is enough to see that there is too much, whatever kind of file.
  std::string text(max_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  const auto count = static_cast<size_t>(file.gcount());
  if (count > max_bytes) {
    error = fmt::format("'{}' is larger than {} bytes", path, max_bytes);
    return std::nullopt;
  }
  text.resize(count);
  return text;
}

bool WriteFileAtomically(const std::string& path, const std::string& text, std::string& error) {
  const Place place = PlaceOf(path, error);
  if (place == Place::kNone) return false;
  if (place == Place::kInPlace) return WriteInPlace(path, text, error);
  std::string temporary;
  const int descriptor = MakeTemporaryBeside(path, temporary, error);
  if (descriptor < 0) return false;
  if (!WriteAndClose(descriptor, text) ||
      std::rename(temporary.c_str(), Followed(path).c_str()) != 0) {
    error = fmt::format("cannot write '{}': {}", path, LastSystemError());
    Remove(temporary);
    return false;
  }
  return true;
}

bool CanWriteFile(const std::string& path, std::string& error) {
  const Place place = PlaceOf(path, error);
  if (place == Place::kNone) return false;
  if (place == Place::kInPlace) {
    // To open a FIFO for a try would end its reader.
    if (OwnDescriptor(path) >= 0 || access(path.c_str(), W_OK) == 0) return true;
    error = fmt::format("cannot write '{}': {}", path, LastSystemError());
    return false;
  }
  std::string temporary;
  const int descriptor = MakeTemporaryBeside(path, temporary, error);
  if (descriptor < 0) return false;
  close(descriptor);
  Remove(temporary);
  return true;
}

OutputDirectory::OutputDirectory(std::string path, std::string& error) : path_(std::move(path)) {
  std::error_code code;
  created_ = fs::create_directories(path_, code);
  if (code) {
    error = fmt::format("cannot create the directory '{}': {}", path_, code.message());
    return;
  }
  ok_ = CanWriteFile(File("probe"), error);
}

OutputDirectory::~OutputDirectory() {
  std::error_code ignored;
  if (created_) fs::remove(path_, ignored);  // fails if anything is in it, as it should
}

std::string OutputDirectory::File(const std::string& name) const {
  return (fs::path(path_) / name).string();
}

std::optional<std::vector<std::string>> RecipeFiles(const std::string& path, std::string& error) {
  std::error_code code;
  if (!fs::is_directory(path, code)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  for (fs::recursive_directory_iterator entry(path, code), end; !code && entry != end;
       entry.increment(code)) {
    std::error_code ignored;
    if (entry->path().extension() == ".recipe" && entry->is_regular_file(ignored)) {
      files.push_back(entry->path().string());
    }
  }
  if (code) {
    error = fmt::format("cannot read the directory '{}': {}", path, code.message());
    return std::nullopt;
  }
  if (files.empty()) {
    error = fmt::format("no *.recipe file in '{}'", path);
    return std::nullopt;
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace maskproof::cli
