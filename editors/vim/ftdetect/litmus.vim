" SPDX-License-Identifier: MIT
autocmd BufNewFile,BufRead *.litmus setfiletype litmus
