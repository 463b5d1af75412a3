#include "workspace.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace maskproof::kernels {

Status Workspace::CheckWorkspace(const Execution& execution, size_t bytes) {
  if (reinterpret_cast<uintptr_t>(execution.workspace) % kWorkspaceAlignment != 0) {
    return Mismatch("workspace", "memory aligned to " + std::to_string(kWorkspaceAlignment),
                    "less");
  }
  if (execution.workspace_size < bytes) {
    return Mismatch("workspace", "at least " + std::to_string(bytes) + " bytes",
                    std::to_string(execution.workspace_size));
  }
  return {};
}

}  // namespace maskproof::kernels
