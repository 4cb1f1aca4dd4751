" SPDX-License-Identifier: MIT
" Vim syntax file: litmus tests of cowpath (docs/litmus.md); tests/test_editors.py holds the words to the code.

if exists("b:current_syntax")
  finish
endif

syntax keyword litmusStatement get_user_page get_user_page_fast pin_user_page pin_user_page_fast
      \ device_write device_read put_page unpin_user_page unpin_user_pages_dirty_lock fork exit wait
      \ madvise mprotect munmap swapoff migrate ksm_merge numa_hint mincore clear_refs soft_dirty
      \ userfaultfd_wp userfaultfd_read userfaultfd_move pagemap_scan zswap_enabled
syntax keyword litmusConstant FOLL_FORCE FOLL_LONGTERM FOLL_WRITE MADV_DONTNEED MADV_FREE
      \ MADV_DOFORK MADV_DONTFORK MADV_MERGEABLE MADV_PAGEOUT MADV_UNMERGEABLE PROT_NONE PROT_READ PROT_WRITE
syntax keyword litmusActor kswapd ksmd migrated readahead
syntax keyword litmusSetting swap option none ssd zram brd ssd_stable zswap zswap_zram debug_vm exclusive_loads failures tlb
      \ weak_barriers
syntax keyword litmusType char ref_t
syntax keyword litmusKeyword of any exists forall crash hang copies SEGV
syntax match litmusKeyword "\~\s*exists\>"
syntax match litmusThread "\<P\d\+\>"
syntax match litmusHeader "^C\s.*$"
syntax match litmusNumber "\<\d\+\>"
syntax match litmusOperator "/\\\|\\/\|\~"
syntax match litmusCharacter "'[^'\n]*'"
syntax region litmusString start=+"+ end=+"+ oneline
syntax region litmusComment start="(\*" end="\*)" contains=litmusComment
syntax region litmusComment start="/\*" end="\*/"
syntax match litmusComment "//.*$"

highlight default link litmusStatement Function
highlight default link litmusConstant Constant
highlight default link litmusActor Function
highlight default link litmusSetting Identifier
highlight default link litmusType Type
highlight default link litmusKeyword Keyword
highlight default link litmusThread Label
highlight default link litmusHeader Title
highlight default link litmusNumber Number
highlight default link litmusOperator Operator
highlight default link litmusCharacter Character
highlight default link litmusString String
highlight default link litmusComment Comment

let b:current_syntax = "litmus"
