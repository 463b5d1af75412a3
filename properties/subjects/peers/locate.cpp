#include "properties/subjects/peers/locate.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

namespace maskproof::peers {
namespace {

namespace fs = std::filesystem;

fs::path ProgramFolder() {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/exe", ignored).parent_path();
}

bool LooksLikeVersion(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
}

// The library in a folder; the shortest name if there are several.
fs::path LibraryIn(const fs::path& folder) {
  fs::path found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const fs::path& path = entry->path();
    const std::string name = path.filename().string();
    if (!name.starts_with("libonnxruntime.so")) continue;
    if (found.empty() || path.native().size() < found.native().size()) found = path;
  }
  return found;
}

std::vector<fs::path> CacheFolders() {
  if (const char* const given = std::getenv("MASKPROOF_ONNXRUNTIME_DIR")) return {given};
  std::vector<fs::path> folders;
  std::error_code ignored;
  for (fs::path from : {fs::current_path(ignored), ProgramFolder()}) {
    while (!from.empty()) {
      folders.push_back(from / ".cache" / "onnxruntime");
      if (from == from.root_path()) break;
      from = from.parent_path();
    }
  }
  return folders;
}

}  // namespace

std::string WorkerProgram() {
  if (const char* const given = std::getenv("MASKPROOF_WORKER")) return given;
  return (ProgramFolder() / "maskproof-worker").string();
}

std::string FindOnnxRuntime(const std::string& what, std::string& error) {
  std::error_code failure;
  if (!LooksLikeVersion(what)) {
    if (fs::is_regular_file(what, failure)) return fs::absolute(what, failure).string();
    error = "no library at '" + what + "'";
    return {};
  }
  for (const fs::path& folder : CacheFolders()) {
    const fs::path library = LibraryIn(folder / what);
    if (!library.empty()) return fs::absolute(library, failure).string();
  }
  error = "ONNX Runtime " + what + " is not here; get it with: ci/get-onnxruntime " + what;
  return {};
}

}  // namespace maskproof::peers
