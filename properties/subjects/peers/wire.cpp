#include "properties/subjects/peers/wire.h"

#include <memory>
#include <optional>
#include <utility>

namespace maskproof::peers {
namespace {

void Put(Writer& writer, std::span<const int64_t> numbers) {
  writer.Number(uint64_t{numbers.size()});
  writer.Bytes(std::as_bytes(numbers));
}

void Put(Writer& writer, const Tensor& tensor) {
  writer.Number(tensor.type);
  Put(writer, tensor.dims);
  writer.Number(uint64_t{tensor.bytes.size()});
  writer.Bytes(tensor.bytes);
}

template <typename T>
void PutOptionalNumber(Writer& writer, const std::optional<T>& value) {
  writer.Number(uint8_t{value.has_value()});
  if (value) writer.Number(*value);
}

void Put(Writer& writer, const Attributes& attributes) {
  writer.Number(attributes.num_heads);
  writer.Number(attributes.unidirectional);
  writer.Number(uint8_t{attributes.qkv_hidden_sizes.has_value()});
  if (attributes.qkv_hidden_sizes) Put(writer, *attributes.qkv_hidden_sizes);
  PutOptionalNumber(writer, attributes.mask_filter_value);
  PutOptionalNumber(writer, attributes.scale);
  PutOptionalNumber(writer, attributes.past_present_share_buffer);
  PutOptionalNumber(writer, attributes.do_rotary);
  writer.Number(attributes.core_layout);
}

void Put(Writer& writer, const MemoryReport& report) {
  writer.Number(uint8_t{report.inputs_changed});
  writer.Number(uint8_t{report.wrote_outside});
  writer.Number(report.unwritten);
  writer.Number(uint8_t{report.touched_on_refusal});
  writer.Number(uint8_t{report.float_environment_changed});
  writer.Text(report.detail);
}

Dims GetDims(Reader& reader) {
  const size_t count = reader.Count(sizeof(int64_t));
  if (count > kLargestRank) {
    reader.Fail();
    return {};
  }
  Dims dims(count);
  for (int64_t& dim : dims) dim = reader.Number<int64_t>();
  return dims;
}

Tensor GetTensor(Reader& reader) {
  Tensor tensor;
  tensor.type = reader.Enumerator(ElementType::kUint8);
  tensor.dims = GetDims(reader);
  const std::span<const std::byte> bytes = reader.Bytes(reader.Count(1));
  tensor.bytes.assign(bytes.begin(), bytes.end());
  return tensor;
}

template <typename T>
std::optional<T> GetOptionalNumber(Reader& reader) {
  if (!reader.Flag()) return std::nullopt;
  return reader.Number<T>();
}

Attributes GetAttributes(Reader& reader) {
  Attributes attributes;
  attributes.num_heads = reader.Number<int64_t>();
  attributes.unidirectional = reader.Number<int64_t>();
  if (reader.Flag()) attributes.qkv_hidden_sizes = GetDims(reader);
  attributes.mask_filter_value = GetOptionalNumber<float>(reader);
  attributes.scale = GetOptionalNumber<float>(reader);
  attributes.past_present_share_buffer = GetOptionalNumber<int64_t>(reader);
  attributes.do_rotary = GetOptionalNumber<int64_t>(reader);
  attributes.core_layout = reader.Enumerator(CoreLayout::kPadded);
  return attributes;
}

MemoryReport GetReport(Reader& reader) {
  MemoryReport report;
  report.inputs_changed = reader.Flag();
  report.wrote_outside = reader.Flag();
  report.unwritten = reader.Number<int64_t>();
  report.touched_on_refusal = reader.Flag();
  report.float_environment_changed = reader.Flag();
  report.detail = reader.Text();
  return report;
}

void Put(Writer& writer, const Case& c) {
  writer.Number(c.op);
  Put(writer, c.attributes);
  writer.Number(uint8_t{c.want_present});
  writer.Number(c.salt);
  for (const std::optional<Tensor>& tensor : c.tensors) {
    writer.Number(uint8_t{tensor.has_value()});
    if (tensor) Put(writer, *tensor);
  }
}

void Get(Reader& reader, Case& c) {
  c.op = reader.Enumerator(Op::kCore);
  c.attributes = GetAttributes(reader);
  c.want_present = reader.Flag();
  c.salt = reader.Number<uint64_t>();
  for (std::optional<Tensor>& tensor : c.tensors) {
    tensor.reset();
    if (reader.Flag()) tensor = GetTensor(reader);
  }
}

// Whoever takes an output apart relies on its size.
bool Consistent(const Tensor& tensor) {
  const int64_t count = ElementCount(tensor.dims);
  return count >= 0 && static_cast<uint64_t>(count) == tensor.bytes.size() / sizeof(float) &&
         tensor.bytes.size() % sizeof(float) == 0 && tensor.type == ElementType::kFloat32;
}

}  // namespace

void Writer::Text(const std::string& text) {
  Number(uint64_t{text.size()});
  Bytes(std::as_bytes(std::span(text)));
}

std::span<const std::byte> Reader::Bytes(size_t count) {
  if (count > rest_.size()) {
    Fail();
    return {};
  }
  const std::span<const std::byte> bytes = rest_.first(count);
  rest_ = rest_.subspan(count);
  return bytes;
}

size_t Reader::Count(size_t item_size) {
  const auto count = Number<uint64_t>();
  if (count <= rest_.size() / item_size) return count;
  Fail();
  return 0;
}

std::string Reader::Text() {
  const std::span<const std::byte> bytes = Bytes(Count(1));
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void Reader::Fail() {
  ok_ = false;
  rest_ = {};
}

void Encode(const Greeting& greeting, Writer& writer) {
  writer.Text(greeting.error);
  writer.Text(greeting.target);
  writer.Text(greeting.version);
  const Promises& promises = greeting.promises;
  writer.Number(promises.fully_masked);
  writer.Number(promises.claimed_dialect);
  writer.Number(promises.dialect);
  writer.Number(uint8_t{promises.reproducible_rows});
  writer.Number(uint8_t{promises.several_ways});
  writer.Number(uint8_t{promises.reentrant});
  writer.Number(uint8_t{promises.deterministic});
  writer.Number(uint8_t{promises.names_faults});
  writer.Number(uint8_t{promises.one_nan});
  writer.Number(uint8_t{promises.no_negative_zero});
  writer.Number(promises.profile.sum_lanes);
  writer.Number(promises.profile.exp_ulp);
  writer.Number(promises.profile.online_block);
  writer.Number(uint8_t{promises.profile.flush_to_zero});
  writer.Number(uint8_t{promises.profile.product_first});
  writer.Number(uint8_t{promises.profile.natural_exp});
  writer.Number(uint8_t{promises.profile.split_products});
  writer.Number(uint8_t{promises.profile.any_rounding});
}

bool Decode(std::span<const std::byte> bytes, Greeting& greeting) {
  Reader reader(bytes);
  greeting.error = reader.Text();
  greeting.target = reader.Text();
  greeting.version = reader.Text();
  Promises& promises = greeting.promises;
  promises.fully_masked = reader.Enumerator(FullyMasked::kZero);
  promises.claimed_dialect = reader.Enumerator(DialectId::kOnnxRuntime16);
  promises.dialect = reader.Enumerator(DialectId::kOnnxRuntime16);
  promises.reproducible_rows = reader.Flag();
  promises.several_ways = reader.Flag();
  promises.reentrant = reader.Flag();
  promises.deterministic = reader.Flag();
  promises.names_faults = reader.Flag();
  promises.one_nan = reader.Flag();
  promises.no_negative_zero = reader.Flag();
  promises.profile.sum_lanes = reader.Number<int64_t>();
  promises.profile.exp_ulp = reader.Number<double>();
  promises.profile.online_block = reader.Number<int64_t>();
  promises.profile.flush_to_zero = reader.Flag();
  promises.profile.product_first = reader.Flag();
  promises.profile.natural_exp = reader.Flag();
  promises.profile.split_products = reader.Flag();
  promises.profile.any_rounding = reader.Flag();
  return reader.ok() && reader.at_end();
}

void Encode(const Case& c, const RunRequest& request, Writer& writer) {
  writer.Number(request.placement);
  writer.Number(uint8_t{request.audit});
  writer.Number(uint8_t{request.flushing});
  writer.Number(request.threads);
  writer.Number(request.times);
  writer.Number(uint8_t{request.company != nullptr});
  if (request.company) Put(writer, *request.company);
  Put(writer, c);
}

bool Decode(std::span<const std::byte> bytes, Case& c, RunRequest& request) {
  Reader reader(bytes);
  request.placement = reader.Enumerator(MemoryPlacement::kUnaligned);
  request.audit = reader.Flag();
  request.flushing = reader.Flag();
  request.threads = reader.Number<int>();
  request.times = reader.Number<int>();
  request.company.reset();
  if (reader.Flag()) {
    auto company = std::make_shared<Case>();
    Get(reader, *company);
    request.company = std::move(company);
  }
  Get(reader, c);
  return reader.ok() && reader.at_end();
}

void Encode(const Outcome& outcome, Writer& writer) {
  writer.Number(outcome.kind);
  writer.Text(outcome.message);
  Put(writer, outcome.memory);
  if (outcome.kind != OutcomeKind::kOutput) return;
  Put(writer, outcome.output.output);
  writer.Number(uint8_t{outcome.output.present.has_value()});
  if (outcome.output.present) Put(writer, *outcome.output.present);
}

bool Decode(std::span<const std::byte> bytes, Outcome& outcome) {
  Reader reader(bytes);
  outcome.kind = reader.Enumerator(OutcomeKind::kExhausted);
  outcome.message = reader.Text();
  outcome.memory = GetReport(reader);
  outcome.output = {};
  if (outcome.kind == OutcomeKind::kOutput) {
    outcome.output.output = GetTensor(reader);
    if (!Consistent(outcome.output.output)) reader.Fail();
    if (reader.Flag()) outcome.output.present = GetTensor(reader);
    if (outcome.output.present && !Consistent(*outcome.output.present)) reader.Fail();
  }
  return reader.ok() && reader.at_end();
}

}  // namespace maskproof::peers
