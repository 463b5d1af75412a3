// Memory that one evaluation after another works in: a small case costs less than so many vectors.
#ifndef MASKPROOF_PROPERTIES_ORACLE_SCRATCH_H_
#define MASKPROOF_PROPERTIES_ORACLE_SCRATCH_H_

#include <cstddef>
#include <initializer_list>
#include <span>
#include <vector>

namespace maskproof::oracle {

struct Part {
  std::span<double>* numbers;
  size_t size;
};

// Makes each part a span of its size in `memory`, which grows and never shrinks; gives all of them
// in one.
inline std::span<double> Divide(std::vector<double>& memory, std::initializer_list<Part> parts) {
  size_t size = 0;
  for (const Part& part : parts) size += part.size;
  if (memory.size() < size) memory.resize(size);
  const std::span<double> all = std::span(memory).first(size);
  std::span<double> rest = all;
  for (const Part& part : parts) {
    *part.numbers = rest.first(part.size);
    rest = rest.subspan(part.size);
  }
  return all;
}

}  // namespace maskproof::oracle

#endif  // MASKPROOF_PROPERTIES_ORACLE_SCRATCH_H_
