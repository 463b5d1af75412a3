// The kernels' C functions behind the signatures of the C++ ones: a way to bring a case to them.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_KERNELS_C_API_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_KERNELS_C_API_H_

#include "maskproof/kernels/attention.h"
#include "maskproof/kernels/execution.h"
#include "maskproof/kernels/status.h"
#include "properties/subjects/kernels_ways.h"
#include "properties/subjects/own_workspace.h"

namespace maskproof {

// Whether C has words for the attributes: it leaves out what is refused or without effect anyway.
bool FitsCApi(const kernels::AttentionAttributes& attributes);

// Each as the C++ function of the same name, weights packed and scratch memory lent as `way` says.
kernels::Status AttentionInC(const kernels::AttentionAttributes& attributes,
                             const kernels::AttentionInputs& inputs,
                             const kernels::AttentionOutputs& outputs, KernelsWay way,
                             OwnWorkspace& workspace, const kernels::Execution& execution);
kernels::Status QAttentionInC(const kernels::AttentionAttributes& attributes,
                              const kernels::QAttentionInputs& inputs,
                              const kernels::AttentionOutputs& outputs, KernelsWay way,
                              OwnWorkspace& workspace, const kernels::Execution& execution);
kernels::Status CoreInC(const kernels::CoreArguments& arguments, const KernelsWay& way,
                        OwnWorkspace& workspace, const kernels::Execution& execution);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_KERNELS_C_API_H_
