// ONNX Runtime's shared library of any version from 1.12 on, loaded at run time, through its C API.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_PEERS_ONNXRUNTIME_LIBRARY_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_PEERS_ONNXRUNTIME_LIBRARY_H_

#include <onnxruntime_c_api.h>

#include <memory>
#include <string>
#include <utility>

namespace maskproof::peers {

// Calls one of OrtApi's Release functions.
template <typename T>
class Released {
 public:
  using Release = void(ORT_API_CALL*)(T*);

  explicit Released(Release release) : release_(release) {}
  Released(Released&& other) noexcept
      : release_(other.release_), object_(std::exchange(other.object_, nullptr)) {}
  Released& operator=(Released&& other) noexcept {
    std::swap(release_, other.release_);
    std::swap(object_, other.object_);
    return *this;
  }
  Released(const Released&) = delete;
  Released& operator=(const Released&) = delete;
  ~Released() {
    if (object_ != nullptr) release_(object_);
  }

  T* get() const { return object_; }
  T** out() { return &object_; }

 private:
  Release release_;
  T* object_ = nullptr;
};

using Session = Released<OrtSession>;
using Value = Released<OrtValue>;

class OnnxRuntimeLibrary {
 public:
  // Null with the reason if it is no usable ONNX Runtime. Never unloaded: its threads and static
  // objects do not survive that.
  static std::unique_ptr<OnnxRuntimeLibrary> Load(const std::string& path, std::string& error);

  const OrtApi& api() const { return *api_; }
  const std::string& version() const { return version_; }
  const OrtEnv* environment() const { return environment_.get(); }
  // Describes memory of ours.
  const OrtMemoryInfo* memory() const { return memory_.get(); }

  // Takes ownership of `status`. True if it is none; else `message` gets its text.
  bool Ok(OrtStatus* status, std::string& message) const;
  // Graph optimisations, arenas and memory patterns off: what is asked is what runs, and memory
  // comes from the allocator that the process has.
  bool MakeSession(const std::string& model, int threads, Session& session,
                   std::string& message) const;

 private:
  OnnxRuntimeLibrary(const OrtApi* api, std::string version)
      : api_(api),
        version_(std::move(version)),
        environment_(api->ReleaseEnv),
        memory_(api->ReleaseMemoryInfo) {}

  const OrtApi* api_;
  std::string version_;
  Released<OrtEnv> environment_;
  Released<OrtMemoryInfo> memory_;
};

}  // namespace maskproof::peers

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_PEERS_ONNXRUNTIME_LIBRARY_H_
