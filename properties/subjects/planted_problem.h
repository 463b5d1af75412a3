// What the stages of the planted subject hand to each other. Each stage is written plainly and
// asks Has() at the places where a defect may strike.
//
//   projection / quantised / core tensors  ->  q, k, v  ->  masks, logits, softmax, values
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_PLANTED_PROBLEM_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_PLANTED_PROBLEM_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "properties/case/case.h"
#include "properties/subjects/planted_defect.h"
#include "properties/subjects/subject.h"

namespace maskproof::planted {

// The sizes that a vectorised kernel would have; only the defects use them.
inline constexpr int64_t kLanes = 8;     // floats a vector, keys a block
inline constexpr int64_t kTileRows = 4;  // queries a tile
inline constexpr int64_t kLargeTileRows = 16;
inline constexpr int64_t kMaskWord = 64;  // keys a word of mask bits

struct Problem {
  Problem(const BoundCase& bound_case, Defect planted);

  bool Has(Defect d) const { return defect == d; }
  bool HasTensor(TensorId id) const { return bound[id].tensor != nullptr; }
  const Dims& DimsOf(TensorId id) const { return bound[id].tensor->dims; }
  const float* Floats(TensorId id) const { return static_cast<const float*>(bound[id].data); }

  float& Q(int64_t b, int64_t n, int64_t s, int64_t i) {
    return q[static_cast<size_t>(((b * g.heads + n) * g.sequence + s) * g.head_size + i)];
  }
  float& K(int64_t b, int64_t n, int64_t t, int64_t i) {
    return k[static_cast<size_t>(((b * g.heads + n) * g.total + t) * g.head_size + i)];
  }
  float& V(int64_t b, int64_t n, int64_t t, int64_t i) {
    return v[static_cast<size_t>(((b * g.heads + n) * g.total + t) * g.value_head_size + i)];
  }
  // The key head that query head `n` reads.
  int64_t KeyHead(int64_t n) const;
  // Rows of the head that query head `n` reads.
  const float* QueryRow(int64_t b, int64_t n, int64_t s) const {
    return q.data() + ((b * g.heads + n) * g.sequence + s) * g.head_size;
  }
  const float* KeyRow(int64_t b, int64_t n, int64_t t) const {
    return k.data() + ((b * g.heads + KeyHead(n)) * g.total + t) * g.head_size;
  }
  float Value(int64_t b, int64_t n, int64_t t, int64_t i) const;

  const BoundCase& bound;
  Defect defect;
  Geometry g;
  float scale = 1.0F;
  bool causal = false;
  int threads = 1;
  std::vector<float> q;  // (B,N,S,H)
  std::vector<float> k;  // (B,N,T,H), the past in front
  std::vector<float> v;  // (B,N,T,Hv), the past in front
};

// planted_projection.cpp: fill q, k and v.
void ProjectFloat(Problem& p);
void TakeCoreTensors(Problem& p);
// Puts the value of projection column `c` of token (b, s) where it belongs in q, k or v.
void PlaceColumn(Problem& p, int64_t b, int64_t s, int64_t c, float value);
void TakePast(Problem& p);
void WritePresent(Problem& p);

// planted_quantised.cpp
void ProjectQuantised(Problem& p);

// planted_attend.cpp: q, k, v and the masks to the output.
void Attend(const Problem& p);

// planted_memory.cpp
void LoadPastTheEnd(const Problem& p);
void StorePastTheEnd(const Problem& p);
void WriteBeforeTheMask(const Problem& p);

}  // namespace maskproof::planted

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_PLANTED_PROBLEM_H_
