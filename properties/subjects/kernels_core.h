// Lays the tensors of a Core case out as its core_layout says and runs the kernels' attention core.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_KERNELS_CORE_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_KERNELS_CORE_H_

#include "maskproof/kernels/attention.h"
#include "maskproof/kernels/execution.h"
#include "maskproof/kernels/status.h"
#include "properties/subjects/kernels_ways.h"
#include "properties/subjects/own_workspace.h"
#include "properties/subjects/subject.h"

namespace maskproof {

// The element types are the caller's to check; shapes that the typed API cannot be asked about are
// refused here.
kernels::Status RunKernelsCore(const BoundCase& bound, KernelsWay way, OwnWorkspace& workspace,
                               kernels::FullyMaskedPolicy fully_masked,
                               const kernels::Execution& execution);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_KERNELS_CORE_H_
