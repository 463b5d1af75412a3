#include "bench/onnxruntime_peer.h"

#include <utility>
#include <vector>

#include "bench/peer_model.h"
#include "properties/subjects/peers/locate.h"
#include "properties/subjects/peers/onnx_message.h"
#include "properties/subjects/peers/onnxruntime_library.h"

namespace maskproof::bench {
namespace {

using peers::OnnxRuntimeLibrary;
using peers::Released;
using peers::Session;
using peers::Value;

class OnnxRuntimeContender final : public Contender {
 public:
  OnnxRuntimeContender(const OnnxRuntimeLibrary& library, const Problem& problem)
      : library_(library),
        session_(library.api().ReleaseSession),
        binding_(library.api().ReleaseIoBinding),
        output_(static_cast<size_t>(ElementCount(problem.output_dims))) {
    if (problem.present_dims) {
      present_.resize(static_cast<size_t>(ElementCount(*problem.present_dims)));
    }
  }

  // As a runtime is used: graph optimisations, arena and prepacking as the library has them by
  // default. Its threads stop spinning when a call ends, or they would take the processor from
  // whoever is timed next.
  bool Open(const Problem& problem, int threads, std::string& error) {
    const OrtApi& api = library_.api();
    const PeerModel model = MakePeerModel(problem);
    Released<OrtSessionOptions> options(api.ReleaseSessionOptions);
    if (!library_.Ok(api.CreateSessionOptions(options.out()), error) ||
        !library_.Ok(api.SetIntraOpNumThreads(options.get(), threads), error) ||
        !library_.Ok(api.SetInterOpNumThreads(options.get(), 1), error) ||
        !library_.Ok(api.SetSessionExecutionMode(options.get(), ORT_SEQUENTIAL), error) ||
        !library_.Ok(api.AddSessionConfigEntry(options.get(), "session.force_spinning_stop", "1"),
                     error) ||
        !library_.Ok(api.CreateSessionFromArray(library_.environment(), model.bytes.data(),
                                                model.bytes.size(), options.get(), session_.out()),
                     error) ||
        !library_.Ok(api.CreateIoBinding(session_.get(), binding_.out()), error)) {
      return false;
    }
    for (const PeerModel::Input& input : model.inputs) {
      // The library does not write its inputs; its API just does not say so.
      void* const data = const_cast<std::byte*>(input.tensor->bytes.data());
      const OrtValue* const value =
          Wrap(data, input.tensor->bytes.size(), input.dims, input.tensor->type, error);
      if (value == nullptr ||
          !library_.Ok(api.BindInput(binding_.get(), input.name.c_str(), value), error)) {
        return false;
      }
    }
    return BindOutput("output", output_, problem.output_dims, error) &&
           (!problem.present_dims || BindOutput("present", present_, *problem.present_dims, error));
  }

  bool Run(std::string& error) override {
    return library_.Ok(library_.api().RunWithBinding(session_.get(), nullptr, binding_.get()),
                       error);
  }
  std::span<const float> output() const override { return output_; }

 private:
  const OrtValue* Wrap(void* data, size_t bytes, const Dims& dims, ElementType type,
                       std::string& error) {
    Value value(library_.api().ReleaseValue);
    const auto number = static_cast<ONNXTensorElementDataType>(peers::OnnxElementType(type));
    if (!library_.Ok(
            library_.api().CreateTensorWithDataAsOrtValue(
                library_.memory(), data, bytes, dims.data(), dims.size(), number, value.out()),
            error)) {
      return nullptr;
    }
    return values_.emplace_back(std::move(value)).get();
  }

  bool BindOutput(const char* name, std::vector<float>& memory, const Dims& dims,
                  std::string& error) {
    const OrtValue* const value =
        Wrap(memory.data(), memory.size() * sizeof(float), dims, ElementType::kFloat32, error);
    return value != nullptr &&
           library_.Ok(library_.api().BindOutput(binding_.get(), name, value), error);
  }

  const OnnxRuntimeLibrary& library_;
  Session session_;
  std::vector<Value> values_;
  Released<OrtIoBinding> binding_;
  std::vector<float> output_;
  std::vector<float> present_;
};

class OnnxRuntimePeer final : public Implementation {
 public:
  explicit OnnxRuntimePeer(std::unique_ptr<OnnxRuntimeLibrary> library)
      : library_(std::move(library)), name_("onnxruntime:" + library_->version()) {}

  const std::string& name() const override { return name_; }
  bool AppliesTo(Work /*work*/) const override { return true; }
  std::unique_ptr<Contender> Prepare(const Problem& problem, int threads,
                                     std::string& error) override {
    auto contender = std::make_unique<OnnxRuntimeContender>(*library_, problem);
    if (!contender->Open(problem, threads, error)) return nullptr;
    return contender;
  }

 private:
  std::unique_ptr<OnnxRuntimeLibrary> library_;
  std::string name_;
};

}  // namespace

std::unique_ptr<Implementation> MakeOnnxRuntimePeer(const std::string& what, std::string& error) {
  const std::string path = peers::FindOnnxRuntime(what, error);
  if (path.empty()) return nullptr;
  std::unique_ptr<OnnxRuntimeLibrary> library = OnnxRuntimeLibrary::Load(path, error);
  if (library == nullptr) return nullptr;
  return std::make_unique<OnnxRuntimePeer>(std::move(library));
}

}  // namespace maskproof::bench
