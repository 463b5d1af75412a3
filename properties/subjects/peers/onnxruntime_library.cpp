#include "properties/subjects/peers/onnxruntime_library.h"

#include <dlfcn.h>

#include <algorithm>

#include "properties/subjects/peers/onnxruntime_supports.h"

namespace maskproof::peers {
namespace {

// Everything used here is in the API since this version.
constexpr int kOldestApi = 12;

std::string LastLoaderError() {
  const char* const text = dlerror();
  return text != nullptr ? text : "no reason given";
}

}  // namespace

std::unique_ptr<OnnxRuntimeLibrary> OnnxRuntimeLibrary::Load(const std::string& path,
                                                             std::string& error) {
  void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    error = "cannot load " + path + ": " + LastLoaderError();
    return nullptr;
  }
  const auto get_base = reinterpret_cast<decltype(&OrtGetApiBase)>(dlsym(handle, "OrtGetApiBase"));
  if (get_base == nullptr) {
    error = path + " is no ONNX Runtime: it has no OrtGetApiBase";
    return nullptr;
  }
  const OrtApiBase* const base = get_base();
  const std::string version = base->GetVersionString();
  // The API only ever grows at its end: an older table is a prefix of the one in our header.
  const int number = std::min(MinorVersion(version), ORT_API_VERSION);
  const OrtApi* const api =
      number < kOldestApi ? nullptr : base->GetApi(static_cast<uint32_t>(number));
  if (api == nullptr) {
    error = "ONNX Runtime " + version + " at " + path + " is older than 1." +
            std::to_string(kOldestApi);
    return nullptr;
  }
  std::unique_ptr<OnnxRuntimeLibrary> library(new OnnxRuntimeLibrary(api, version));
  std::string message;
  if (!library->Ok(
          api->CreateEnv(ORT_LOGGING_LEVEL_FATAL, "maskproof", library->environment_.out()),
          message) ||
      !library->Ok(
          api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, library->memory_.out()),
          message)) {
    error = "ONNX Runtime " + version + " does not start: " + message;
    return nullptr;
  }
  return library;
}

bool OnnxRuntimeLibrary::Ok(OrtStatus* status, std::string& message) const {
  if (status == nullptr) return true;
  message = api_->GetErrorMessage(status);
  api_->ReleaseStatus(status);
  return false;
}

bool OnnxRuntimeLibrary::MakeSession(const std::string& model, int threads, Session& session,
                                     std::string& message) const {
  Released<OrtSessionOptions> options(api_->ReleaseSessionOptions);
  return Ok(api_->CreateSessionOptions(options.out()), message) &&
         Ok(api_->SetIntraOpNumThreads(options.get(), threads), message) &&
         Ok(api_->SetInterOpNumThreads(options.get(), 1), message) &&
         Ok(api_->SetSessionExecutionMode(options.get(), ORT_SEQUENTIAL), message) &&
         Ok(api_->SetSessionGraphOptimizationLevel(options.get(), ORT_DISABLE_ALL), message) &&
         Ok(api_->SetSessionLogSeverityLevel(options.get(), ORT_LOGGING_LEVEL_FATAL), message) &&
         Ok(api_->DisableCpuMemArena(options.get()), message) &&
         Ok(api_->DisableMemPattern(options.get()), message) &&
         // Idle threads of many cached sessions must not burn the processor.
         Ok(api_->AddSessionConfigEntry(options.get(), "session.intra_op.allow_spinning", "0"),
            message) &&
         Ok(api_->CreateSessionFromArray(environment_.get(), model.data(), model.size(),
                                         options.get(), session.out()),
            message);
}

}  // namespace maskproof::peers
