/* SPDX-License-Identifier: MIT */
/* The errors a call of the core can return. 0 is success; every function lists the ones it uses.
 * A caller's bug is an assertion, a misbehaving world is a counter: neither is an error here. */
#ifndef CORE_GW_ERR_H
#define CORE_GW_ERR_H

enum gw_err {
    GW_OK = 0,
    GW_ERR_RANGE = -1,     /* a value is outside its documented range */
    GW_ERR_SPACE = -2,     /* the caller's buffer is too small */
    GW_ERR_BUSY = -3,      /* a bounded queue is full: try again */
    GW_ERR_UNKNOWN = -4,   /* no such register, key, command */
    GW_ERR_READ_ONLY = -5, /* the register or setting cannot be written */
    GW_ERR_SYNTAX = -6,    /* malformed text */
    GW_ERR_TYPE = -7,      /* right key, wrong type of value */
    GW_ERR_TIMEOUT = -8,   /* no answer within the time allowed */
    GW_ERR_NACK = -9,      /* the BMS refused the command */
    GW_ERR_MISMATCH = -10, /* read back something else than was written */
    GW_ERR_OFFLINE = -11,  /* the link is down */
    GW_ERR_CONFLICT = -12, /* two settings that cannot go together */
};

/* A short lower-case English phrase for an error, never NULL. */
const char *gw_err_text(int err);

#endif
