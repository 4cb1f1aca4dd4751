/* SPDX-License-Identifier: MIT */
/* Under CONFIG_PARAVIRT pte_val() is a call that a compiler cannot fold; the layout does not depend on it. */
#undef CONFIG_PARAVIRT
#undef CONFIG_PARAVIRT_XXL
