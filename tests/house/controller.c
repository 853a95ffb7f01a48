/* SPDX-License-Identifier: MIT */
#include "controller.h"

#include <string.h>

const char *house_controller_name(unsigned i) {
    static const struct house_controller *const all[HOUSE_CONTROLLERS] = {
        &house_fixed_plug, &house_six_state_plug, &house_policy_plug, &house_oracle_plug};
    return all[i]->name;
}

bool house_controller_find(const char *name, struct house_memory *memory,
                           struct house_controller *out) {
    memset(memory, 0, sizeof *memory);
    struct {
        const struct house_controller *plug;
        void *context;
    } all[HOUSE_CONTROLLERS] = {
        {&house_fixed_plug, &memory->fixed},
        {&house_six_state_plug, &memory->six_state},
        {&house_policy_plug, &memory->policy},
        {&house_oracle_plug, &memory->oracle},
    };
    for (unsigned i = 0; i < HOUSE_CONTROLLERS; i++) {
        if (strcmp(name, all[i].plug->name) == 0) {
            *out = *all[i].plug;
            out->context = all[i].context;
            return true;
        }
    }
    return false;
}
