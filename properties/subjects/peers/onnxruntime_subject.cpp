#include "properties/subjects/peers/onnxruntime_subject.h"

#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "properties/subjects/peers/onnx_message.h"
#include "properties/subjects/peers/onnx_model.h"
#include "properties/subjects/peers/onnxruntime_library.h"
#include "properties/subjects/peers/onnxruntime_supports.h"

namespace maskproof::peers {
namespace {

// Sessions by their model and number of threads; the least recently used ones go first.
class SessionCache {
 public:
  explicit SessionCache(const OnnxRuntimeLibrary& library) : library_(library) {}

  // Null with the library's message if there can be no such session. A refused model is not kept.
  // For several threads at once, which share the session of a model.
  std::shared_ptr<Session> Get(const std::string& model, int threads, std::string& message) {
    const std::lock_guard lock(mutex_);
    const std::string key = std::to_string(threads) + ' ' + model;
    if (const auto known = by_key_.find(key); known != by_key_.end()) {
      entries_.splice(entries_.begin(), entries_, known->second);
      return known->second->session;
    }
    auto session = std::make_shared<Session>(library_.api().ReleaseSession);
    if (!library_.MakeSession(model, threads, *session, message)) return nullptr;
    while (entries_.size() >= kMostSessions) {
      by_key_.erase(entries_.back().key);
      entries_.pop_back();
    }
    entries_.push_front({key, std::move(session)});
    by_key_[entries_.front().key] = entries_.begin();
    return entries_.front().session;
  }

 private:
  static constexpr size_t kMostSessions = 256;
  struct Entry {
    std::string key;
    std::shared_ptr<Session> session;
  };

  const OnnxRuntimeLibrary& library_;
  std::mutex mutex_;
  std::list<Entry> entries_;
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
};

ONNXTensorElementDataType OrtType(ElementType type) {
  return static_cast<ONNXTensorElementDataType>(OnnxElementType(type));
}

// The values of one call and their names, in the order of the model.
struct Arguments {
  std::vector<const char*> names;
  std::vector<Value> owned;

  std::vector<OrtValue*> pointers() const {
    std::vector<OrtValue*> result;
    result.reserve(owned.size());
    for (const Value& value : owned) result.push_back(value.get());
    return result;
  }
};

bool SaysOutOfMemory(std::string_view message) {
  return message.find("bad_alloc") != std::string_view::npos ||
         message.find("ailed to allocate memory") != std::string_view::npos;
}

class OnnxRuntimeSubject final : public InProcessSubject {
 public:
  OnnxRuntimeSubject(std::unique_ptr<OnnxRuntimeLibrary> library, std::string name, int threads)
      : library_(std::move(library)),
        sessions_(*library_),
        supports_(OnnxRuntimeSupports(library_->version())),
        name_(std::move(name)),
        threads_(threads) {
    promises_.reentrant = true;  // Run() of a session, by its documentation
    promises_.claimed_dialect = OnnxRuntimeDialect(library_->version());
  }

  const std::string& name() const override { return name_; }
  const std::string& target() const override { return target_; }
  const Promises& promises() const override { return promises_; }
  bool Supports(const Case& c) const override { return supports_(c); }

 protected:
  OutcomeKind Invoke(const BoundCase& bound, std::string& message) override {
    const int threads = bound.threads > 0 ? bound.threads : threads_;
    const std::shared_ptr<Session> session = sessions_.Get(EncodeModel(*bound.c), threads, message);
    if (session == nullptr) return Refusal(message);
    Arguments inputs;
    Arguments outputs;
    if (!AddInputs(bound, inputs, message) || !AddOutputs(bound, outputs, message)) {
      return Refusal(message);
    }
    std::vector<OrtValue*> results = outputs.pointers();
    if (Call(*session->get(), inputs, outputs.names, results, message)) return OutcomeKind::kOutput;
    if (!SaysWrongOutputShape(message)) return Refusal(message);
    return CallFreely(*session->get(), inputs, outputs.names, message);
  }

 private:
  // How the library says that it wants to write an output of another shape than the one it was
  // given.
  static bool SaysWrongOutputShape(std::string_view message) {
    return message.find("shape mismatch") != std::string_view::npos ||
           message.find("OrtValue shape verification failed") != std::string_view::npos;
  }

  static OutcomeKind Refusal(std::string_view message) {
    return SaysOutOfMemory(message) ? OutcomeKind::kExhausted : OutcomeKind::kRefused;
  }

  bool Add(const char* name, void* data, ElementType type, std::span<const int64_t> dims,
           Arguments& arguments, std::string& message) const {
    // A tensor without elements has no address; the library wants one all the same.
    static float nothing = 0.0F;
    const auto bytes = static_cast<size_t>(ElementCount(dims)) * ElementSize(type);
    Value value(library_->api().ReleaseValue);
    if (!library_->Ok(library_->api().CreateTensorWithDataAsOrtValue(
                          library_->memory(), data != nullptr ? data : &nothing, bytes, dims.data(),
                          dims.size(), OrtType(type), value.out()),
                      message)) {
      return false;
    }
    arguments.names.push_back(name);
    arguments.owned.push_back(std::move(value));
    return true;
  }

  bool AddInputs(const BoundCase& bound, Arguments& inputs, std::string& message) const {
    for (const TensorId id : OperatorInputs(bound.c->op)) {
      const BoundTensor& tensor = bound[id];
      if (tensor.tensor == nullptr) continue;
      if (!Add(TensorName(id), tensor.data, tensor.tensor->type, tensor.tensor->dims, inputs,
               message)) {
        return false;
      }
    }
    return true;
  }

  bool AddOutputs(const BoundCase& bound, Arguments& outputs, std::string& message) const {
    constexpr auto kFloat = ElementType::kFloat32;
    return Add("output", bound.output, kFloat, bound.output_dims, outputs, message) &&
           (!bound.c->want_present ||
            Add("present", bound.present, kFloat, bound.present_dims, outputs, message));
  }

  bool Call(OrtSession& session, const Arguments& inputs, const std::vector<const char*>& names,
            std::vector<OrtValue*>& results, std::string& message) const {
    const std::vector<OrtValue*> values = inputs.pointers();
    return library_->Ok(
        library_->api().Run(&session, nullptr, inputs.names.data(), values.data(), values.size(),
                            names.data(), names.size(), results.data()),
        message);
  }

  // The dims of our outputs are a guess where the case is malformed. So that a library that accepts
  // such a case is not taken to refuse it, it may choose its own.
  OutcomeKind CallFreely(OrtSession& session, const Arguments& inputs,
                         const std::vector<const char*>& names, std::string& message) const {
    std::vector<OrtValue*> results(names.size(), nullptr);
    const bool accepted = Call(session, inputs, names, results, message);
    for (OrtValue* const result : results) {
      if (result != nullptr) library_->api().ReleaseValue(result);
    }
    if (!accepted) return Refusal(message);
    message = "computed an output of another shape";
    return OutcomeKind::kOutput;
  }

  std::unique_ptr<OnnxRuntimeLibrary> library_;
  SessionCache sessions_;
  peers::Supports supports_;
  std::string name_;
  std::string target_ = "native";
  Promises promises_;  // held to the ideal for masked rows; nothing on the order of sums
  int threads_;
};

}  // namespace

bool BuiltWithOnnxRuntime() { return true; }

std::unique_ptr<Subject> MakeOnnxRuntimeSubject(const std::string& path, int threads,
                                                std::string& version, std::string& error) {
  std::unique_ptr<OnnxRuntimeLibrary> library = OnnxRuntimeLibrary::Load(path, error);
  if (library == nullptr) return nullptr;
  version = library->version();
  return std::make_unique<OnnxRuntimeSubject>(std::move(library), "onnxruntime:" + path, threads);
}

}  // namespace maskproof::peers
