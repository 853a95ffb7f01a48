/* SPDX-License-Identifier: MIT */
/* The settings, which settings_check() has accepted, as the modules' own configurations. */
#ifndef CORE_GATEWAY_CONFIGS_H
#define CORE_GATEWAY_CONFIGS_H

#include "policy/policy.h"
#include "settings/settings.h"
#include "tinybms/tinybms.h"
#include "victron/victron.h"

struct tinybms_config gateway_bms_config(const struct settings *s);
struct policy_config gateway_policy_config(const struct settings *s);
struct victron_config gateway_victron_config(const struct settings *s);

#endif
