#include "cli/files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

namespace maskproof::cli {
namespace {

namespace fs = std::filesystem;

std::string LastSystemError() { return std::generic_category().message(errno); }

// Creates an empty temporary file beside `path`; empty on failure.
std::string MakeTemporaryBeside(const std::string& path, std::string& error) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    error = fmt::format("cannot write '{}': it is a directory", path);
    return {};
  }
  std::string temporary = path + ".XXXXXX";
  const int descriptor = mkstemp(temporary.data());
  if (descriptor < 0) {
    error = fmt::format("cannot write '{}': {}", path, LastSystemError());
    return {};
  }
  close(descriptor);
  // mkstemp gives 0600; results are for everybody whom the umask lets in.
  fs::permissions(temporary,
                  fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read |
                      fs::perms::others_read,
                  ignored);
  return temporary;
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
  const std::string temporary = MakeTemporaryBeside(path, error);
  if (temporary.empty()) return false;
  std::ofstream file(temporary, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  if (!file) {
    error = fmt::format("cannot write '{}': {}", path, LastSystemError());
    Remove(temporary);
    return false;
  }
  std::error_code code;
  fs::rename(temporary, path, code);
  if (code) {
    error = fmt::format("cannot write '{}': {}", path, code.message());
    Remove(temporary);
    return false;
  }
  return true;
}

bool CanWriteFile(const std::string& path, std::string& error) {
  const std::string temporary = MakeTemporaryBeside(path, error);
  if (temporary.empty()) return false;
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
